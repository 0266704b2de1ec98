/** Where a store keeps the JSON written by `writeMeta`. No project's name starts with `!`, so no row can be there. */
export function metaKey(name: string): string {
  return `!meta:${name}`;
}

/** What is stored for it. A value that JSON can't hold is a bug: plain Error. */
export function metaText(name: string, json: unknown): string {
  const text = JSON.stringify(json) as string | undefined;
  if (text === undefined) throw new Error(`${name} can't be written as JSON`);
  return text;
}
