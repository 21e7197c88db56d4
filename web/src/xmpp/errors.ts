/**
 *     Problem
 *     ├── ServerUnreachable   no connection could be made
 *     ├── LoginRefused        the server is there and says no
 *     ├── Disconnected        a connection that was there is gone
 *     └── RequestFailed       an IQ came back as an error, or not at all
 */
import { Problem } from "../problem.ts";

export class ServerUnreachable extends Problem {}

export class LoginRefused extends Problem {}

export class Disconnected extends Problem {}

export class RequestFailed extends Problem {
  /** RFC 6120 §8.3.3 condition; `timeout` is our own, for no answer at all. */
  readonly condition: string;
  /** XEP-0166 §10, as `unknown-session`. */
  readonly jingleCondition: string | undefined;

  constructor(
    condition: string,
    message: string,
    remedy: string,
    extra: { readonly detail?: string; readonly jingleCondition?: string | undefined } = {},
  ) {
    super(message, remedy, extra.detail === undefined ? {} : { detail: extra.detail });
    this.condition = condition;
    this.jingleCondition = extra.jingleCondition;
  }
}
