import { randomUUID } from 'node:crypto';

/**
 * A name of its own for a table that lives as long as one piece of work: runs at the same time don't meet in it. The
 * offline store drops tables with this prefix that killed processes left behind.
 */
export function stageTable(purpose: string): string {
  return `granary_stage_${purpose}_${randomUUID().replaceAll('-', '')}`;
}
