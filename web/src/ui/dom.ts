/** The page's elements, found once and typed. */

type Constructor<T extends Element> = { new (): T; readonly name: string };

/** The element with this id. A missing one is a mistake in index.html. */
export function byId<T extends Element>(id: string, type: Constructor<T>): T {
  const found = document.getElementById(id);
  if (!(found instanceof type)) throw new Error(`#${id} is not a ${type.name}`);
  return found;
}

/** A new element with a class and children; texts are texts, never markup. */
export function create<K extends keyof HTMLElementTagNameMap>(
  name: K,
  className: string,
  ...children: (Node | string)[]
): HTMLElementTagNameMap[K] {
  const made = document.createElement(name);
  if (className !== "") made.className = className;
  made.append(...children);
  return made;
}
