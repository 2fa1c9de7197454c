// The lazy part: loaded by the card on the first click.
export { default as texts } from "texts:!card+admin";
export { flow } from "./flow/dialog";
