import { formatType, type RequestField, type Site } from '@granary/contracts';
import { checkFieldNames, declarationSite, freeze, invalid } from './declaration.js';
import type { Fields } from './entity.js';
import type { Part } from './part.js';

/** Values that the caller gives with each request, such as the amount of the transaction being scored. */
export interface RequestDeclaration<R extends Fields> extends Part<object, R, object, ''> {
  readonly kind: 'request';
  readonly fields: R;
}

export function request<const R extends Fields>(fields: R): RequestDeclaration<R> {
  checkFieldNames(declarationSite(request), 'request', Object.keys(fields));
  return freeze({ kind: 'request', fields });
}

export function requestFields({ fields }: RequestDeclaration<Fields>): readonly RequestField[] {
  return Object.entries(fields).map(([name, { type }]) => ({ name, type }));
}

/** Each field once. Throws DEFINITION_INVALID where two of one name differ in type. */
export function mergedRequest(site: Site, owner: string, fields: readonly RequestField[]): RequestField[] {
  const merged = new Map<string, RequestField>();
  for (const field of fields) {
    const first = merged.get(field.name) ?? field;
    if (JSON.stringify(first.type) !== JSON.stringify(field.type)) {
      throw invalid(site, `${owner}: the request's ${field.name} is ${formatType(first.type)} here and ${formatType(field.type)} there`, 'Give it one type in every request(…), or two names.');
    }
    merged.set(field.name, first);
  }
  return [...merged.values()];
}
