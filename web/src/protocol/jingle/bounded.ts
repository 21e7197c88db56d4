import { MalformedStanza } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import { childrenOf, type XmlElement } from "../xml.ts";

/** Children called `name`; refused when a peer sends more than any client would. */
export function boundedChildren(parent: XmlElement, name: string, xmlns: string): XmlElement[] {
  const found = childrenOf(parent, name, xmlns);
  if (found.length > LIMITS.elements) throw new MalformedStanza(`too many <${name}/> elements`);
  return found;
}
