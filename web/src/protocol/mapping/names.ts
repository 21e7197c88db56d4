/**
 * Content names and mids. A content's key is (creator, name) and the name is free text; a mid is a
 * short token, unique in the description. Ours are the same; a peer's may need another mid.
 */
import type { Role } from "../jingle/senders.ts";

export interface ContentKey {
  readonly creator: Role;
  readonly name: string;
}

// RFC 8866 §9 token; RFC 9143's header extension and libwebrtc take at most 16 characters.
const MID = /^[!#$%&'*+\-.0-9A-Z^_`a-z{|}~]{1,16}$/;

/** A value, not a registry: adding returns a new map. */
export class ContentNames {
  readonly #entries: readonly { readonly key: ContentKey; readonly mid: string }[];

  private constructor(entries: readonly { readonly key: ContentKey; readonly mid: string }[]) {
    this.#entries = entries;
  }

  static readonly empty = new ContentNames([]);

  /** Remember a content under a mid: its own name if that is free and a token, else another. */
  add(key: ContentKey): ContentNames {
    if (this.mid(key) !== undefined) return this;
    const taken = new Set(this.#entries.map((entry) => entry.mid));
    let mid = key.name;
    for (let index = 0; !MID.test(mid) || taken.has(mid); index++) mid = `c${index}`;
    return new ContentNames([...this.#entries, { key, mid }]);
  }

  mid({ creator, name }: ContentKey): string | undefined {
    return this.#entries.find(({ key }) => key.creator === creator && key.name === name)?.mid;
  }

  /** A group names contents without their creator: the first that fits. */
  midOfName(name: string): string | undefined {
    return this.#entries.find(({ key }) => key.name === name)?.mid;
  }

  key(mid: string): ContentKey | undefined {
    return this.#entries.find((entry) => entry.mid === mid)?.key;
  }
}
