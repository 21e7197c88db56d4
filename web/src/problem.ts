/** An error that is told to the person in front of the page: what happened, and what helps. */
export class Problem extends Error {
  /** One sentence: what to do about it. */
  readonly remedy: string;

  constructor(message: string, remedy: string, options?: ErrorOptions) {
    super(message, options);
    this.remedy = remedy;
  }

  override get name(): string {
    return this.constructor.name;
  }
}
