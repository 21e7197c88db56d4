/** Between the DOM that Strophe speaks and the plain elements of `protocol`. */
import type { XmlElement, XmlNode } from "../protocol/xml.ts";

const ELEMENT = 1;
const TEXT = 3;
const CDATA = 4;
/** No stanza of ours nests deeper than ten; a peer's may not exhaust the stack. */
const MAXIMUM_DEPTH = 64;

/** Read a DOM element. What nests deeper than 64 levels is left out. */
export function fromDom(root: Element, depth = 0): XmlElement {
  const attrs: Record<string, string> = {};
  for (const attribute of Array.from(root.attributes)) {
    if (attribute.name !== "xmlns" && !attribute.name.startsWith("xmlns:")) {
      attrs[attribute.name] = attribute.value;
    }
  }
  const children: XmlNode[] = [];
  for (let node = root.firstChild; node !== null; node = node.nextSibling) {
    if (node.nodeType === TEXT || node.nodeType === CDATA) children.push(node.nodeValue ?? "");
    else if (node.nodeType === ELEMENT && depth < MAXIMUM_DEPTH) {
      children.push(fromDom(node as Element, depth + 1));
    }
  }
  const xmlns = root.namespaceURI;
  return { name: root.localName, ...(xmlns ? { xmlns } : {}), attrs, children };
}

/** Write a DOM element into `document`; `inherited` is the namespace around it. */
export function toDom(document: Document, source: XmlElement, inherited: string | null): Element {
  const xmlns = source.xmlns ?? inherited;
  const target = document.createElementNS(xmlns, source.name);
  // Strophe's serializer writes attributes only; it does not look at an element's namespace.
  if (xmlns !== null && xmlns !== inherited) target.setAttribute("xmlns", xmlns);
  for (const [name, value] of Object.entries(source.attrs)) target.setAttribute(name, value);
  for (const child of source.children) {
    target.appendChild(
      typeof child === "string" ? document.createTextNode(child) : toDom(document, child, xmlns),
    );
  }
  return target;
}
