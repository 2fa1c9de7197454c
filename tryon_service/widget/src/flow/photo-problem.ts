/** What is wrong with a file, seen before anything is sent; code as in the texts "refusal.<code>". */
export class PhotoProblem extends Error {
  override readonly name = "PhotoProblem";
  readonly code: string;
  /** What the text names, such as {format: "PDF"}. */
  readonly values: Readonly<Record<string, string | number>>;

  constructor(code: string, values: Readonly<Record<string, string | number>> = {}) {
    super(code);
    this.code = code;
    this.values = values;
  }
}
