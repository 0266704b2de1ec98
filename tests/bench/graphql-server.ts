import { ApolloServer } from '@apollo/server';
import { startStandaloneServer } from '@apollo/server/standalone';
import { openOnlineStore } from '@granary/online-store';
import { noteOnline } from '@granary/online-store/testing';
import { FeatureReader } from '@granary/serving';
import { createServingApp } from '@granary/serving-api';
import { NOW, PROJECT, wideService } from './declarations.js';
import { peakRssMb, resetPeak } from './harness.js';
import { packedValues } from './packed-values.js';

/** What the parent says: start one of the two servers, forget the peak of memory, tell it. */
export type ServerRequest =
  | { readonly kind: 'ours'; readonly path: string; readonly entities: number; readonly features: number }
  | { readonly kind: 'floor'; readonly sdl: string; readonly field: string; readonly rows: readonly unknown[] }
  | { readonly kind: 'resetPeak' }
  | { readonly kind: 'peak' };

/** The answer to each: a URL, or MiB. */
export type ServerAnswer = { readonly url: string } | { readonly peakRssMb: number };

// A parent that is gone leaves nothing to answer; one that is interrupted disconnects when it has cleaned up.
process.on('disconnect', () => process.exit(0));
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined);
process.on('message', (request: ServerRequest) => void answer(request).then((reply) => process.send!(reply)));

async function answer(request: ServerRequest): Promise<ServerAnswer> {
  switch (request.kind) {
    case 'ours': {
      const snapshot = wideService(request.features);
      const store = await openOnlineStore({ kind: 'lmdb', path: request.path });
      await store.write(packedValues(snapshot, request.entities));
      await noteOnline(store, PROJECT, snapshot.views, NOW);
      const reader = new FeatureReader(snapshot, store, { project: PROJECT, now: () => NOW });
      const app = await createServingApp({ reader, port: 0 });
      return { url: `${app.url}/graphql` };
    }
    case 'floor': {
      const { sdl, field, rows } = request;
      const Query = { [field]: () => rows[0], [`${field}Batch`]: (_source: unknown, { entities }: { readonly entities: readonly unknown[] }) => rows.slice(0, entities.length) };
      const { url } = await startStandaloneServer(new ApolloServer({ typeDefs: sdl, resolvers: { Query } }), { listen: { port: 0, host: '127.0.0.1' } });
      return { url };
    }
    case 'resetPeak':
      resetPeak();
      return { peakRssMb: peakRssMb() };
    case 'peak':
      return { peakRssMb: peakRssMb() };
  }
}
