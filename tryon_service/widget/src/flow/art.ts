// Line drawings: the figure that shows how to stand, and the camera's outline.
import { svg } from "./dom";

/** A person seen from the front, head to feet, on 120 x 300: the outline of one who stands with arms a little away. */
const FIGURE =
  "M60 8c9 0 15 7 15 17 0 8-3 14-7 18v7c3 4 22 5 28 12 5 6 7 26 9 44 2 17 5 31 4 42-1 6-8 6-9 0-2-11-6-25-9-41-2-10-4-18-6-23" +
  "c-1 14 0 26 2 40 3 22 2 41-2 64-3 18-4 36-5 55-1 12 0 22 6 28 3 4 0 8-5 8H73c-4 0-6-3-6-8 0-34-1-63-4-93l-3-24-3 24" +
  "c-3 30-4 59-4 93 0 5-2 8-6 8h-8c-5 0-8-4-5-8 6-6 7-16 6-28-1-19-2-37-5-55-4-23-5-42-2-64 2-14 3-26 2-40-2 5-4 13-6 23" +
  "-3 16-7 30-9 41-1 6-8 6-9 0-1-11 2-25 4-42 2-18 4-38 9-44 6-7 25-8 28-12v-7c-4-4-7-10-7-18 0-10 6-17 15-17z";

/** Of the figure's drawing. */
const FIGURE_SIZE = { width: 120, height: 300 };
/** Share of the picture's height that the figure takes. */
const FILLS = 0.88;

/** The outline to stand in, in the middle of a picture of this size. */
export function outline(width: number, height: number): SVGSVGElement {
  const scale = (FILLS * height) / FIGURE_SIZE.height;
  const left = (width - scale * FIGURE_SIZE.width) / 2;
  const transform = `translate(${left} ${((1 - FILLS) / 2) * height}) scale(${scale})`;
  const viewBox = `0 0 ${width} ${height}`;
  const lines = ["halo", "line"].map((name) => svg("path", { class: name, d: FIGURE, transform }));
  return svg("svg", { class: "outline", viewBox, "aria-hidden": "true" }, ...lines);
}

/** The figure between the corners of a viewfinder: how a good photo looks. */
export function posture(): SVGSVGElement {
  const corners = "M8 34V8h26M166 8h26v26M192 306v26h-26M34 332H8v-26";
  return svg(
    "svg",
    { class: "posture", viewBox: "0 0 200 340", "aria-hidden": "true" },
    svg("path", { class: "corners", d: corners }),
    svg("path", { class: "figure", d: FIGURE, transform: "translate(40 20)" }),
  );
}
