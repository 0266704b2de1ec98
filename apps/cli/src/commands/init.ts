import { mkdir, realpath, writeFile } from 'node:fs/promises';
import { join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { GranaryError } from '@granary/contracts';
import type { Command } from 'commander';
import { verb } from '../verb.js';

export function registerInit(program: Command): void {
  const command = program.command('init').argument('<dir>', 'folder for the definitions, made if missing').description('Write definitions to begin with, and a tsconfig.json that type-checks them');
  verb<object, [string]>(command, [], 'granary init ./shop\ngranary plan --defs ./shop', async ({ voice }, _flags, dir) => {
    const file = join(resolve(dir), 'features.ts');
    await mkdir(resolve(dir), { recursive: true });
    if (!(await writeNew(file, STARTER))) {
      throw new GranaryError('INVALID_USAGE', `${file} is there already`, { todo: 'Name another folder, or move the file away.', details: { file } });
    }
    const config = join(resolve(dir), 'tsconfig.json');
    const configured = await writeNew(config, await tsconfig());
    const show = (path: string): string => relative(process.cwd(), path) || path;
    const lines = [
      `${voice.style.good('wrote')} ${show(file)}`,
      configured ? `${voice.style.good('wrote')} ${show(config)}` : `left ${show(config)} as it is`,
      `next: granary plan --defs ${dir}`,
    ];
    return { json: { file, tsconfig: configured ? config : null }, text: lines.join('\n') };
  });
}

/** False: there is such a file already, and it stays. */
async function writeNew(file: string, text: string): Promise<boolean> {
  try {
    await writeFile(file, text, { flag: 'wx' });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

/** The folder may lie anywhere and needs no node_modules: definitions are evaluated with this command's SDK, so they are checked against it. */
async function tsconfig(): Promise<string> {
  const sdk = await realpath(fileURLToPath(import.meta.resolve('@granary/sdk')));
  const compilerOptions = {
    target: 'ES2023',
    module: 'ESNext',
    // How `plan` resolves imports too: with or without the ending.
    moduleResolution: 'Bundler',
    strict: true,
    noEmit: true,
    skipLibCheck: true,
    types: [],
    paths: { '@granary/sdk': [sdk.replace(/\.js$/, '.d.ts')] },
  };
  return `${JSON.stringify({ compilerOptions, include: ['**/*.ts'] }, null, 2)}\n`;
}

const STARTER = `import { count, ease, entity, featureService, featureView, itemToItem, notSeen, recommender, source, sum, t, trending } from '@granary/sdk';

// What features describe, and the keys that name it.
export const customer = entity('customer', { customerId: t.int64 });
export const product = entity('product', { productId: t.int64 });

// Where events come from: orders.csv in the folder given to \`granary ingest --data\`.
export const orders = source('orders', {
  fields: { orderId: t.string, customerId: t.int64, productId: t.int64, amount: t.float64, at: t.timestamp },
  eventId: 'orderId',
  eventTime: 'at',
  file: 'orders.csv',
});

// Features of a customer and of a product: spent7d, spent30d, …
export const customerOrders = featureView('customer_orders', {
  entity: customer,
  source: orders,
  features: (order) => ({ orders: count().over('7d', '30d'), spent: sum(order.amount).over('7d', '30d') }),
});
export const productOrders = featureView('product_orders', {
  entity: product,
  source: orders,
  features: () => ({ sold: count().over('1d', '7d', '30d') }),
});

// What a model or a page reads together: a typed field of the GraphQL API.
export const ranking = featureService('ranking', [customerOrders, productOrders]);

export const forYou = recommender('for_you', {
  user: customer,
  item: product,
  interactions: orders,
  generators: [trending(), itemToItem(), ease()],
  ranker: ranking,
  rules: [notSeen()],
});
`;
