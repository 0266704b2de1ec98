import { readdirSync, realpathSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { GranaryError } from '@granary/contracts';

const MODULE = /\.(ts|mts|js|mjs)$/;
const NOT_DEFINITIONS = /(\.d\.m?ts|\.(spec|test|config)\.m?[jt]s)$/;
const SKIPPED_FOLDERS = new Set(['node_modules', 'dist']);

/**
 * The modules of the given files and folders (with their subfolders), real paths, sorted, each once.
 * Left out: tests, type declarations, configuration, hidden folders, node_modules and dist. Throws DEFINITION_NOT_FOUND.
 */
export function definitionFiles(paths: readonly string[]): readonly string[] {
  const files = new Set<string>();
  for (const path of paths) {
    const absolute = resolve(path);
    const stat = statSync(absolute, { throwIfNoEntry: false });
    if (stat === undefined) {
      throw new GranaryError('DEFINITION_NOT_FOUND', `${path}: no such file or folder`, {
        todo: 'Name a folder of definitions, such as feature-defs/marketplace, or a .ts file.',
        details: { path: absolute },
      });
    }
    if (stat.isFile()) files.add(realpathSync(absolute));
    else for (const file of modulesBelow(absolute)) files.add(realpathSync(file));
  }
  if (files.size === 0) {
    throw new GranaryError('DEFINITION_NOT_FOUND', `no definitions in ${paths.join(', ') || 'no folder at all'}`, {
      todo: 'Write a features.ts there that exports an entity, a source and a feature view, or name another folder.',
      details: { paths },
    });
  }
  return [...files].sort();
}

function modulesBelow(folder: string): readonly string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.name.startsWith('.')) return [];
    if (entry.isDirectory()) return SKIPPED_FOLDERS.has(entry.name) ? [] : modulesBelow(path);
    return MODULE.test(entry.name) && !NOT_DEFINITIONS.test(entry.name) ? [path] : [];
  });
}
