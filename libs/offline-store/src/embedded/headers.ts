/**
 * chDB streams a result as one small document per block. Formats without a header can be put end to end; those with one
 * repeat it in every chunk, and the rest (Parquet, JSON, Arrow …) are no longer one document at all.
 */
const HEADERLESS = new Set(
  [
    'TabSeparated', 'TSV', 'TabSeparatedRaw', 'TSVRaw', 'CSV', 'JSONEachRow', 'JSONLines', 'NDJSON', 'JSONCompactEachRow',
    'JSONStringsEachRow', 'JSONCompactStringsEachRow', 'TSKV', 'RowBinary', 'Native', 'Null',
  ].map((name) => name.toLowerCase()),
);
const HEADER_LINES = new Map<string, number>();
for (const name of ['TabSeparated', 'TSV', 'TabSeparatedRaw', 'TSVRaw', 'JSONCompactEachRow', 'JSONCompactStringsEachRow']) {
  HEADER_LINES.set(`${name}WithNames`.toLowerCase(), 1);
  HEADER_LINES.set(`${name}WithNamesAndTypes`.toLowerCase(), 2);
}

/** Whether chunks of a streamed result in this format can be made one document. */
export function isStreamable(format: string): boolean {
  const name = format.toLowerCase();
  return HEADERLESS.has(name) || HEADER_LINES.has(name);
}

/** Drops the header that a chunk after the first repeats. Headers of these formats hold no raw line break. */
export function withoutHeader(format: string, chunk: Uint8Array): Uint8Array {
  let from = 0;
  for (let line = HEADER_LINES.get(format.toLowerCase()) ?? 0; line > 0; line -= 1) from = chunk.indexOf(0x0a, from) + 1;
  return from === 0 ? chunk : chunk.subarray(from);
}
