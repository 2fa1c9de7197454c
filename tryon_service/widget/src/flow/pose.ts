// The pose that was found, drawn over the photo: used, or another photo.
import type { FoundPose } from "../host";
import { button, h, icon, svg } from "./dom";
import { ownPhoto } from "./pictures";
import { renderStep } from "./render";
import type { Run, Step } from "./run";

type Point = readonly [x: number, y: number, seen: 0 | 1];

/** Pairs of COCO-18 joints: head, arms, trunk, legs. */
const BONES: readonly (readonly [number, number])[] = [
  [0, 1],
  [1, 2],
  [2, 3],
  [3, 4],
  [1, 5],
  [5, 6],
  [6, 7],
  [2, 8],
  [5, 11],
  [8, 11],
  [8, 9],
  [9, 10],
  [11, 12],
  [12, 13],
];
/** The first 14 joints are the body's, then come eyes and ears. */
const BODY = 14;

export const poseStep =
  (found: FoundPose): Step =>
  (run) => {
    const guessed = found.joints.slice(0, BODY).some(([, , seen]) => !seen);
    const turned = found.view === "side" || found.view === "back";
    const photo = ownPhoto(run, "pose.photo");
    photo?.append(skeleton(found));
    return {
      name: "pose",
      title: run.say("pose.title"),
      text: run.say("pose.text"),
      stage: photo ? [photo] : [],
      body: [
        ...(guessed ? [note(run.say("pose.guessed"))] : []),
        ...(turned ? [note(run.say(`pose.view.${found.view}`))] : []),
      ],
      actions: [
        button("primary", run.say("pose.use"), () => use(run, found)),
        button("secondary", run.say("pose.other"), () => run.go(run.again), "again"),
      ],
      back: run.again,
    };
  };

/** From here on only the pose is needed. */
function use(run: Run, { token, expires, view }: FoundPose): void {
  const pose = { token, expires, view };
  run.host.session.keep(pose);
  run.host.emit("tryon:pose", { expires });
  run.dropPhoto();
  run.go(renderStep(pose));
}

function note(words: string): HTMLElement {
  return h("p", { class: "note" }, icon("info"), h("span", {}, words));
}

/** The stick figure in the photo's pixels; lines and dots keep their width on screen (see stage.css). */
function skeleton({ joints, width, height }: FoundPose): SVGSVGElement {
  const body = joints.slice(0, BODY);
  const bones = BONES.flatMap(([from, to]) => {
    const [start, end] = [body[from], body[to]];
    return start && end ? [{ d: line(start, end), class: start[2] && end[2] ? "bone" : "bone guessed" }] : [];
  });
  const dots = body.filter(([, , seen]) => seen).map((joint) => ({ d: line(joint, joint), class: "joint" }));
  const halo = bones.map(({ d }) => ({ d, class: "halo" }));
  return svg(
    "svg",
    { class: "skeleton", viewBox: `0 0 ${width} ${height}`, "aria-hidden": "true" },
    ...[...halo, ...bones, ...dots].map((attributes) => svg("path", attributes)),
  );
}

/** A line without length shows as a dot of the line's width. */
function line([x0, y0]: Point, [x1, y1]: Point): string {
  return `M${x0.toFixed(1)} ${y0.toFixed(1)}L${x1.toFixed(1)} ${y1.toFixed(1)}`;
}
