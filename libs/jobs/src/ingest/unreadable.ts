import { GranaryError } from '@granary/contracts';

/** FILE_UNREADABLE: the file as a whole is at fault, not one of its rows. */
export function unreadable(file: string, what: string, todo: string, cause?: unknown): GranaryError {
  return new GranaryError('FILE_UNREADABLE', `${file}: ${what}`, { todo, details: { file }, cause });
}

/** A column that the source declares and the file lacks. */
export function missingColumns(file: string, wanted: readonly string[], found: readonly string[], todo = 'Name the fields of the source as the file names its columns (upper and lower case count), or correct the file.'): GranaryError {
  const missing = wanted.filter((name) => !found.includes(name));
  const columns = missing.length === 1 ? `column ${missing[0]} is` : `columns ${missing.join(', ')} are`;
  return new GranaryError(
    'FILE_UNREADABLE',
    `${file}: ${columns} missing; found ${list(found)}; wanted ${list(wanted)}`,
    {
      todo,
      details: { file, missing, found: found.slice(0, 100), wanted },
    },
  );
}

function list(names: readonly string[]): string {
  if (names.length === 0) return 'none';
  const shown = names.slice(0, 50).map((name) => JSON.stringify(name));
  return names.length > shown.length ? `${shown.join(', ')} and ${names.length - shown.length} more` : shown.join(', ');
}
