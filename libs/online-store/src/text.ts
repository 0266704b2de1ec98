const LONE_SURROGATE = /\p{Surrogate}/u;

/** False for text with a lone surrogate: UTF-8 can't hold it, and two different such texts would become the same bytes. */
export function isWellFormed(text: string): boolean {
  return !LONE_SURROGATE.test(text);
}
