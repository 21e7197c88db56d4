/** A plain XML element, so that the protocol needs neither a DOM nor a parser. */
export interface XmlElement {
  readonly name: string;
  /** Namespace; absent means the parent's. */
  readonly xmlns?: string;
  readonly attrs: Readonly<Record<string, string>>;
  readonly children: readonly XmlNode[];
}

export type XmlNode = XmlElement | string;

/** Values that may be absent are left out of the element. */
export type Attributes = Readonly<Record<string, string | number | undefined>>;

/** Build an element. `undefined` attributes and children are left out. */
export function element(
  name: string,
  options: { readonly xmlns?: string; readonly attrs?: Attributes } = {},
  children: readonly (XmlNode | undefined)[] = [],
): XmlElement {
  const attrs: Record<string, string> = {};
  for (const [key, value] of Object.entries(options.attrs ?? {})) {
    if (value !== undefined) attrs[key] = String(value);
  }
  return {
    name,
    ...(options.xmlns === undefined ? {} : { xmlns: options.xmlns }),
    attrs,
    children: children.filter((node) => node !== undefined),
  };
}

/** The child elements of `parent`; `xmlns` absent on a child means the parent's. */
export function elements(parent: XmlElement): XmlElement[] {
  return parent.children
    .filter((node) => typeof node !== "string")
    .map((node) =>
      node.xmlns === undefined && parent.xmlns !== undefined
        ? { ...node, xmlns: parent.xmlns }
        : node,
    );
}

/** All child elements called `name` in the namespace `xmlns`. */
export function childrenOf(parent: XmlElement, name: string, xmlns: string): XmlElement[] {
  return elements(parent).filter((child) => child.name === name && child.xmlns === xmlns);
}

/** The first child element called `name` in the namespace `xmlns`. */
export function childOf(parent: XmlElement, name: string, xmlns: string): XmlElement | undefined {
  return childrenOf(parent, name, xmlns)[0];
}

/** The element's own text, without that of its descendants. */
export function textOf(parent: XmlElement): string {
  return parent.children.filter((node) => typeof node === "string").join("");
}
