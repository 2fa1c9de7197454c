// Lays out /openapi.json. Everything is put in as text, never as markup.
"use strict";

const byId = (id) => document.getElementById(id);

function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

const code = (text) => element("code", {}, text);

function resolve(spec, schema) {
  if (!schema || !schema.$ref) return schema || {};
  return schema.$ref.split("/").slice(1).reduce((node, key) => node[key], spec);
}

function typeOf(spec, schema) {
  const name = schema.$ref ? schema.$ref.split("/").pop() : "";
  const found = resolve(spec, schema);
  if (found.type === "array") return `list of ${typeOf(spec, found.items || {})}`;
  if (name) return name;
  if (found.anyOf) return found.anyOf.map((one) => typeOf(spec, one)).join(" or ");
  if (found.enum) return found.enum.map((one) => (one === null ? "null" : one)).join(" | ");
  if (found.contentMediaType && !found.contentEncoding) return "file";
  return [found.type || "anything"].flat().join(" or ");
}

function boundsOf(schema) {
  const words = [];
  if (schema.minimum !== undefined) words.push(`from ${schema.minimum}`);
  if (schema.maximum !== undefined) words.push(`to ${schema.maximum}`);
  if (schema.maxLength !== undefined) words.push(`at most ${schema.maxLength} characters`);
  if (schema.maxItems !== undefined) words.push(`at most ${schema.maxItems}`);
  if (schema.default !== undefined && schema.default !== null) words.push(`default ${JSON.stringify(schema.default)}`);
  return words.join(", ");
}

function table(caption, heads, rows) {
  const head = element("tr", {}, ...heads.map((text) => element("th", { scope: "col" }, text)));
  const body = rows.map((cells) => element("tr", {}, ...cells.map((cell) => element("td", {}, cell))));
  const made = element("table", {}, element("caption", { class: "soft" }, caption),
    element("thead", {}, head), element("tbody", {}, ...body));
  return element("div", { class: "wide", role: "region", "aria-label": caption, tabindex: "0" }, made);
}

function fields(spec, caption, schema) {
  const found = resolve(spec, schema);
  if (!found.properties) return element("p", {}, caption, ": ", code(typeOf(spec, schema)));
  const required = new Set(found.required || []);
  const rows = Object.entries(found.properties).map(([name, field]) => [
    code(name), typeOf(spec, field), required.has(name) ? "yes" : "",
    [resolve(spec, field).description || "", boundsOf(field)].filter(Boolean).join("; "),
  ]);
  return table(caption, ["Name", "Type", "Required", "Meaning"], rows);
}

function answers(operation) {
  const rows = Object.entries(operation.responses).map(([status, response]) => [
    code(status), Object.keys(response.content || {}).join(", "), (response.description || "").replaceAll("`", ""),
  ]);
  return table("Answers", ["Status", "Kind", "Meaning"], rows);
}

function operationOf(spec, path, method, operation) {
  const summary = element("summary", {}, element("span", { class: "method" }, method.toUpperCase()), code(path), " ",
    element("span", { class: "about" }, operation.summary || ""));
  const made = element("details", { id: operation.operationId }, summary);
  if (operation.description) made.append(element("p", {}, operation.description));
  if (operation.security) made.append(element("p", { class: "soft" }, "Needs Authorization: Bearer ..."));
  if (operation.parameters.length) {
    const rows = operation.parameters.map((one) => [
      code(one.name), one.in, typeOf(spec, one.schema), one.required ? "yes" : "",
      [one.description || "", boundsOf(one.schema)].filter(Boolean).join("; "),
    ]);
    made.append(table("Parameters", ["Name", "In", "Type", "Required", "Meaning"], rows));
  }
  for (const [kind, body] of Object.entries(operation.requestBody?.content || {})) {
    made.append(fields(spec, `Body, ${kind}`, body.schema));
  }
  for (const [status, response] of Object.entries(operation.responses)) {
    const json = response.content?.["application/json"];
    if (status < 300 && json) made.append(fields(spec, `Answer ${status}, JSON`, json.schema));
  }
  made.append(answers(operation));
  return made;
}

function layOut(spec) {
  byId("title").textContent = spec.info.title;
  byId("description").textContent = spec.info.description.replaceAll("`", "");
  byId("version").textContent = `(version ${spec.info.version})`;
  for (const tag of spec.tags) {
    const section = element("section", {}, element("h2", {}, tag.name), element("p", {}, tag.description));
    for (const [path, operations] of Object.entries(spec.paths)) {
      for (const [method, operation] of Object.entries(operations)) {
        if (!(operation.tags || []).includes(tag.name)) continue;
        section.append(operationOf(spec, path, method, operation));
        const link = element("a", { href: `#${operation.operationId}` }, `${method.toUpperCase()} ${path}`);
        byId("contents").append(element("li", {}, link));
      }
    }
    byId("operations").append(section);
  }
  for (const [name, problem] of Object.entries(spec["x-problems"])) {
    byId("codes").append(element("tr", { id: name }, element("th", { scope: "row" }, code(name)),
      element("td", {}, String(problem.status)), element("td", {}, problem.title),
      element("td", {}, problem.retryable ? "yes" : "no")));
  }
}

function showTarget() {
  const target = location.hash ? byId(decodeURIComponent(location.hash.slice(1))) : null;
  if (!target) return;
  if (target.tagName === "DETAILS") target.open = true;
  target.scrollIntoView();
}

async function start() {
  try {
    const answer = await fetch("/openapi.json");
    if (!answer.ok) throw new Error(`status ${answer.status}`);
    layOut(await answer.json());
    byId("status").remove();
    showTarget();
  } catch (error) {
    byId("status").textContent = `The description of the API could not be loaded (${error.message}).`;
  }
}

addEventListener("hashchange", showTarget);
start();
