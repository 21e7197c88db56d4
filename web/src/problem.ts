/** An error that is told to the person in front of the page: what happened, and what helps. */
export class Problem extends Error {
  /** One sentence: what to do about it. */
  readonly remedy: string;
  /** What the other side said about it, in its own words. */
  readonly detail: string | undefined;

  constructor(message: string, remedy: string, options: ErrorOptions & { detail?: string } = {}) {
    super(message, options);
    this.remedy = remedy;
    this.detail = options.detail;
  }

  override get name(): string {
    return this.constructor.name;
  }
}
