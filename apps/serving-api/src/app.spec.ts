import { request } from 'node:http';
import { describe, expect, it } from '@jest/globals';
import { GranaryError } from '@granary/contracts';
import { GraphQLString } from 'graphql';
import { startTestApp, type TestApp } from './testing/test-app.js';
import type { BuildSchemaPart } from './index.js';

async function withApp(use: (app: TestApp) => Promise<void>, options: Parameters<typeof startTestApp>[0] = {}): Promise<void> {
  const app = await startTestApp(options);
  try {
    await use(app);
  } finally {
    await app.close();
  }
}

describe('the app', () => {
  it('listens on loopback unless told otherwise', async () => {
    await withApp(async (app) => {
      expect(new URL(app.url).hostname).toBe('127.0.0.1');
      await Promise.resolve();
    });
  });

  it('says so when the port is taken', async () => {
    await withApp(async (app) => {
      await expect(startTestApp({ port: Number(new URL(app.url).port) })).rejects.toMatchObject({ code: 'CONFIG_INVALID', message: expect.stringContaining('EADDRINUSE') });
    });
  });

  it('is alive, and ready while all its parts are; 503 names the one that fails', async () => {
    let loaded = true;
    const models = { name: 'models', check: () => (loaded ? Promise.resolve() : Promise.reject(new GranaryError('MODEL_NOT_TRAINED', 'none'))) };
    await withApp(
      async (app) => {
        const get = async (path: string) => {
          const response = await fetch(`${app.url}${path}`);
          return [response.status, await response.json()];
        };
        expect(await get('/healthz')).toEqual([200, { status: 'ok' }]);
        expect(await get('/readyz')).toEqual([200, { status: 'ready', parts: { onlineStore: 'ok', models: 'ok' } }]);
        loaded = false;
        expect(await get('/readyz')).toEqual([503, { status: 'not ready', parts: { onlineStore: 'ok', models: { failed: 'MODEL_NOT_TRAINED' } } }]);
        loaded = true;
        await app.store.close();
        expect(await get('/readyz')).toEqual([503, { status: 'not ready', parts: { onlineStore: { failed: 'STORE_UNAVAILABLE' }, models: 'ok' } }]);
        expect(await get('/healthz')).toEqual([200, { status: 'ok' }]);
        const { status, errors } = await app.query('{ userPage(userId: 1) { visits7d { state } } }');
        expect([status, errors[0]!.extensions['code']]).toEqual([503, 'STORE_UNAVAILABLE']);
        expect(app.log).toHaveLength(1);
      },
      { checks: [models] },
    );
  });

  it('closes gracefully: what is under way is answered, what comes later is not', async () => {
    let release = (): void => undefined;
    let entered = (): void => undefined;
    const inside = new Promise<void>((resolve) => (entered = resolve));
    const gate = new Promise<void>((resolve) => (release = resolve));
    const slow: BuildSchemaPart = () => ({ fields: { slow: { type: GraphQLString, resolve: async () => (entered(), await gate, 'answered') } }, examples: [] });
    const app = await startTestApp({ schemaParts: [slow] });
    const underWay = app.query('{ slow }');
    await inside;
    const closed = app.close();
    await expect(fetch(`${app.url}/healthz`)).rejects.toThrow();
    release();
    expect(await underWay).toMatchObject({ status: 200, data: { slow: 'answered' } });
    await closed;
  });

  it('refuses to start with two declarations of one field', async () => {
    const clash: BuildSchemaPart = () => ({ fields: { userPage: { type: GraphQLString } }, examples: [] });
    await expect(startTestApp({ schemaParts: [clash] })).rejects.toMatchObject({ code: 'DEFINITION_INVALID', message: expect.stringContaining('userPage') });
  });

  it('can answer its own examples', async () => {
    await withApp(
      async (app) => {
        expect(app.examples.length).toBe(4);
        for (const { query } of app.examples) expect(await app.query(query)).toMatchObject({ status: 200, errors: [] });
        expect(app.examples.find(({ title }) => title.includes('user_page'))!.query).toContain('userPage(userId: "123456789012345678")');
      },
      { sampleKeys: { user: [123456789012345678n] } },
    );
  });

  it('serves the explorer whole, from itself', async () => {
    await withApp(async (app) => {
      for (const path of ['/', '/explorer']) {
        const response = await fetch(app.url + path);
        expect([response.status, response.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8']);
        expect(response.headers.get('content-security-policy')).toContain("default-src 'self'");
        const html = await response.text();
        expect(html).not.toMatch(/https?:\/\//);
        for (const [, asset] of html.matchAll(/(?:src|href)="(explorer[^"]+)"/g)) {
          const got = await fetch(`${app.url}/${asset}`);
          expect([asset, got.status]).toEqual([asset, 200]);
          await got.arrayBuffer();
        }
      }
      const script = await fetch(`${app.url}/explorer/assets/explorer.js`);
      expect([script.headers.get('content-encoding'), (await script.text()).length]).toEqual(['gzip', expect.any(Number)]);
      const etag = script.headers.get('etag')!;
      expect(await statusWith(`${app.url}/explorer/assets/explorer.js`, { 'if-none-match': etag })).toBe(304);
      expect((await fetch(`${app.url}/explorer/assets/../../package.json`)).status).toBe(404);
      expect((await fetch(`${app.url}/explorer/assets/constructor`)).status).toBe(404);
      expect(await (await fetch(`${app.url}/explorer/start.js`)).text()).toContain('userPage(userId');
    });
  });
});

/** fetch answers conditional requests itself. */
function statusWith(url: string, headers: Record<string, string>): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { headers }, (response) => {
      response.resume();
      response.on('end', () => resolve(response.statusCode));
    });
    sent.on('error', reject);
    sent.end();
  });
}
