import type { ExampleQuery } from '../schema/schema-part.js';

export const EXPLORER_SCRIPT_PATH = 'explorer/start.js';

/** Only what we serve ourselves; Monaco sets inline styles, and its icon font is inside the style sheet. */
export const EXPLORER_POLICY = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self' data:; worker-src 'self'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'";

/** Paths are relative, so that the explorer works behind a prefix too; `base` leads from the page to the root. */
export function explorerPage(): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Granary</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="explorer/assets/explorer.css">
</head>
<body class="no-focus-outline">
<noscript>The query explorer needs JavaScript. The API itself is at /graphql.</noscript>
<div id="root"></div>
<script src="explorer/assets/explorer.js"></script>
<script src="${EXPLORER_SCRIPT_PATH}"></script>
</body>
</html>
`;
}

/** What starts the explorer, with one tab for each example. */
export function explorerScript(examples: readonly ExampleQuery[]): string {
  const tabs = examples.map(({ title, query }) => ({ query: `# ${title}\n${named(query)}` }));
  const options = { endpoint: 'graphql', title: 'Granary', logo: '<span></span>', shouldPersistHeaders: true, defaultTabs: tabs };
  return `const workers = { editorWorkerService: 'editor', json: 'json', graphql: 'graphql' };
self.MonacoEnvironment = { globalAPI: false, getWorkerUrl: (_module, label) => new URL('explorer/assets/' + workers[label] + '-worker.js', document.baseURI).href };
const options = ${JSON.stringify(options)};
options.endpoint = new URL(options.endpoint, document.baseURI).href;
YogaGraphiQL.renderYogaGraphiQL(document.querySelector('#root'), options);
`;
}

/** GraphiQL calls a tab by the name of its operation: here that of its first field. */
function named(query: string): string {
  const field = /^\{\s*(\w+)/.exec(query)?.[1];
  return field === undefined ? query : `query ${field} ${query}`;
}
