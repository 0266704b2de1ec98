import { NAME, FIELD_NAME, GranaryError, frameSite, type Definition, type Site } from '@granary/contracts';

/** What every declaration is: plain, frozen data that the registry can collect, and what it refers to. */
export interface Declaration<D extends Definition = Definition> {
  readonly kind: D['kind'];
  readonly name: string;
  readonly definition: D;
  /** The declarations this one refers to; collected with it, exported or not. */
  readonly uses: readonly Declaration[];
}

/** The place in the user's file that calls `declare` (one of the SDK's public functions) now. */
export function declarationSite(declare: (...args: never[]) => unknown): Site {
  const trace: { stack?: string } = {};
  Error.captureStackTrace(trace, declare);
  const frame = trace.stack?.split('\n').find((line) => line.includes(' at '));
  return frameSite(frame ?? '') ?? { file: 'unknown', line: 0 };
}

export function invalid(site: Site, message: string, todo: string): GranaryError {
  return new GranaryError('DEFINITION_INVALID', message, { todo, details: { file: site.file, line: site.line } });
}

export function checkName(site: Site, what: string, name: string): void {
  if (NAME.test(name)) return;
  throw invalid(site, `${what} "${name}": not a name`, 'Use lower-case words joined by underscores, such as user_activity.');
}

export function checkFieldNames(site: Site, owner: string, names: readonly string[]): void {
  const wrong = names.find((name) => !FIELD_NAME.test(name));
  if (wrong === undefined) return;
  throw invalid(site, `${owner}: "${wrong}" is not a field name`, 'Start with a letter; use letters, digits and underscores.');
}

/** Runs a part of a declaration and gives what it throws the place of that declaration. */
export function at<T>(site: Site, owner: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof GranaryError) || error.details['file'] !== undefined) throw error;
    throw new GranaryError('DEFINITION_INVALID', `${owner}: ${error.message}`, {
      ...(error.todo === undefined ? {} : { todo: error.todo }),
      details: { file: site.file, line: site.line },
      cause: error,
    });
  }
}

/** Throws for a key that an options object has not: it would be ignored, and a misspelt one change what is meant. */
export function knownOptions<O extends object>(what: string, options: O, known: readonly (keyof O & string)[]): O {
  const wrong = Object.keys(options).find((key) => !(known as readonly string[]).includes(key));
  if (wrong === undefined) return options;
  throw new GranaryError('DEFINITION_INVALID', `${what} has no option "${wrong}"`, { todo: `It has ${known.join(', ')}.` });
}

/** Freezes data all the way down. */
export function freeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    Object.values(value).forEach(freeze);
  }
  return value;
}
