import { resolve } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { isGranaryError } from '@granary/contracts';
import { readEnvironment, wantsColours } from './environment.js';

describe('readEnvironment', () => {
  it('has embedded stores in .granary by default', () => {
    const home = resolve('.granary');
    expect(readEnvironment({}, {})).toMatchObject({
      home,
      registry: `${home}/registry`,
      offline: { kind: 'embedded', path: `${home}/clickhouse` },
      online: { kind: 'lmdb', path: `${home}/online` },
      project: 'granary',
      host: '127.0.0.1',
      port: 4000,
      clickhousePort: 8123,
      logSample: 0.01,
    });
  });

  it('lets flags override variables, and takes an empty variable for an absent one', () => {
    const variables = { GRANARY_HOME: '/a', GRANARY_PORT: '5000', GRANARY_PROJECT: '', GRANARY_DEFS: 'x:/y' };
    expect(readEnvironment({ home: '/b' }, variables)).toMatchObject({ home: '/b', port: 5000, project: 'granary', defs: [resolve('x'), '/y'] });
  });

  it('takes servers by URL, with user and password apart', () => {
    const environment = readEnvironment({ clickhouseUrl: 'https://ann:p%40ss@ch.example:8443', redisUrl: 'redis://localhost:6379/2' }, {});
    expect(environment.offline).toEqual({ kind: 'server', url: 'https://ch.example:8443', username: 'ann', password: 'p@ss' });
    expect(environment.online).toEqual({ kind: 'redis', url: 'redis://localhost:6379/2' });
    const cluster = 'rediss+cluster://ann:p%40ss@a:7001,b:7002';
    expect(readEnvironment({}, { GRANARY_REDIS_URL: cluster }).online).toEqual({ kind: 'redis', url: cluster });
  });

  it.each([
    [{ port: '70000' }, {}, '--port must be at most 65535, not "70000"'],
    [{ clickhousePort: '-1' }, {}, '--clickhouse-port must be a whole number, not "-1"'],
    [{}, { GRANARY_PORT: 'http' }, 'GRANARY_PORT must be a whole number, not "http"'],
    [{ clickhouseUrl: 'localhost:8123' }, {}, '--clickhouse-url must be a URL that begins with http:// or https://, not "localhost:8123"'],
    [{}, { GRANARY_REDIS_URL: 'http://x' }, 'GRANARY_REDIS_URL must be a URL that begins with redis://, rediss://, redis+cluster:// or rediss+cluster://, not "http://x"'],
    [{ clickhouseUrl: 'htp://ann:secret@ch' }, {}, '--clickhouse-url must be a URL that begins with http:// or https://, not "htp://…@ch"'],
    [{ logSample: '1.5' }, {}, '--log-sample must be a number from 0 to 1, not "1.5"'],
    [{ project: 'My Shop' }, {}, '--project must be lower-case words joined by underscores, not "My Shop"'],
  ])('names what is wrong: %j %j', (flags, variables, message) => {
    let thrown: unknown;
    try {
      readEnvironment(flags, variables);
    } catch (error) {
      thrown = error;
    }
    expect(isGranaryError(thrown, 'CONFIG_INVALID')).toBe(true);
    expect((thrown as Error).message).toBe(message);
  });
});

describe('wantsColours', () => {
  it('only on a terminal, and never against NO_COLOR', () => {
    expect(wantsColours({ isTTY: true }, {})).toBe(true);
    expect(wantsColours({ isTTY: true }, { NO_COLOR: '' })).toBe(true);
    expect(wantsColours({ isTTY: true }, { NO_COLOR: '0' })).toBe(false);
    expect(wantsColours({ isTTY: true }, { TERM: 'dumb' })).toBe(false);
    expect(wantsColours({}, {})).toBe(false);
  });
});
