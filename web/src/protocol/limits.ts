/** Bounds on what one peer may send in one stanza; far above any real client, far below harm. */
export const LIMITS = {
  /** Sections of one description. */
  contents: 64,
  /** Elements of one kind (payload types, candidates, sources …) in one content. */
  elements: 512,
  /** Lines of one residue. */
  residueLines: 1024,
  /** Characters of one attribute or line. */
  characters: 8192,
  /** Characters of one session description. */
  sdp: 262_144,
  /** Candidates kept while the description they belong to is not there yet. */
  heldCandidates: 256,
} as const;
