export { createEventParser } from './ingest/event-parser.js';
export type { EventParser, ParsedEvent, RejectedRow } from './ingest/event-parser.js';
export { ingestFolder } from './ingest/ingest-folder.js';
export type { IngestFolderOptions, IngestFolderReport } from './ingest/ingest-folder.js';
export { ingestSource } from './ingest/ingest-source.js';
export type { IngestOptions, IngestReport } from './ingest/ingest-source.js';
