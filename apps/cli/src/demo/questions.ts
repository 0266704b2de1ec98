import { EVENT, eventsTable, identifier, type Instant, type Statement } from '@granary/contracts';
import type { OfflineStore, Row } from '@granary/offline-store';

export interface Question {
  readonly title: string;
  /** GraphQL, answerable without variables. */
  readonly query: string;
}

export interface Answered extends Question {
  readonly data: unknown;
}

/** A user that no marketplace of the demo has. */
const STRANGER = '999999999';

/** What a backend would ask, about people and payments that are really there. */
export async function questionsAbout(offline: OfflineStore, at: Instant): Promise<readonly Question[]> {
  const { userId, itemId } = await newestInteraction(offline);
  const everyday = await everydayPayment(offline);
  const suspicious = { ...everyday, terminalId: await riskyTerminal(offline, at), amount: Math.max(300, Math.round(everyday.amount * 10)) };
  const list = 'items { itemId score reason { source text } }';
  const score = (payment: Payment): string => `{
  scoreTransaction(customerId: "${payment.customerId}", terminalId: "${payment.terminalId}", amount: ${payment.amount}) {
    probability
    features { payments1d { value state } meanAmount30d { value state } terminalRisk30d { value state } weekend { value } night { value } }
  }
}`;
  return [
    { title: 'Recommendations for a user', query: `{\n  forYou(userId: "${userId}", first: 5) {\n    ${list}\n    degraded\n  }\n}` },
    { title: 'Recommendations for someone never seen: what is trending, and it says so', query: `{\n  forYou(userId: "${STRANGER}", first: 3) {\n    ${list}\n    degraded\n  }\n}` },
    { title: 'Similar items', query: `{\n  forYouSimilar(itemId: "${itemId}", first: 3) {\n    ${list}\n  }\n}` },
    { title: 'What is trending', query: `{\n  forYouTrending(first: 3) {\n    ${list}\n  }\n}` },
    {
      title: 'A feature vector: values, states and event times',
      query: `{
  ranking(userId: "${userId}", itemId: "${itemId}") {
    views7d { value state eventTime }
    spend30d { value state eventTime }
    itemPurchases7d { value state eventTime }
    price { value state }
  }
}`,
    },
    { title: 'The page of an item', query: `{\n  itemPage(itemId: "${itemId}") {\n    title { value }\n    category { value }\n    price { value }\n    itemPurchases7d { value state }\n  }\n}` },
    { title: 'Fraud score of an everyday payment', query: score(everyday) },
    { title: 'Fraud score of a suspicious payment: the same card, a far greater amount, at a terminal known for fraud', query: score(suspicious) },
  ];
}

interface Payment {
  readonly customerId: string;
  readonly terminalId: string;
  readonly amount: number;
}

const [INTERACTIONS, PAYMENTS] = ['interactions', 'payments'].map((name) => identifier(eventsTable({ name })));
const DAY = 86_400_000;

/** Not the newest user of any kind: who has only just signed up has no history to recommend by. */
async function newestInteraction(offline: OfflineStore): Promise<{ readonly userId: string; readonly itemId: string }> {
  const row = await first(offline, `SELECT userId, itemId FROM ${INTERACTIONS} ORDER BY ${identifier(EVENT.time)} DESC LIMIT 1`, {});
  return { userId: String(row['userId']), itemId: String(row['itemId']) };
}

/** The newest payment that was no fraud, and no large one. */
async function everydayPayment(offline: OfflineStore): Promise<Payment> {
  const row = await first(offline, `SELECT customerId, terminalId, amount FROM ${PAYMENTS} WHERE NOT fraud AND amount < 60 ORDER BY ${identifier(EVENT.time)} DESC LIMIT 1`, {});
  return { customerId: String(row['customerId']), terminalId: String(row['terminalId']), amount: row['amount'] as number };
}

/** The terminal with the most frauds among those already known: labels come a week late. */
async function riskyTerminal(offline: OfflineStore, at: Instant): Promise<string> {
  const time = `toUnixTimestamp64Milli(${identifier(EVENT.time)})`;
  const sql = `SELECT terminalId FROM ${PAYMENTS} WHERE fraud AND ${time} > {from:Int64} AND ${time} <= {to:Int64} GROUP BY terminalId ORDER BY count() DESC, terminalId LIMIT 1`;
  const row = await first(offline, sql, { from: at - 37 * DAY, to: at - 7 * DAY });
  return String(row['terminalId']);
}

async function first(offline: OfflineStore, sql: string, params: Statement['params']): Promise<Row> {
  const [row] = await offline.rows({ sql, params });
  if (row === undefined) throw new Error(`the demo's data have no answer to: ${sql}`);
  return row;
}

/** Asks over HTTP, as a backend would. Throws for an answer with errors: the demo's own questions are right. */
export async function ask(graphql: string, question: Question, signal: AbortSignal): Promise<Answered> {
  const response = await fetch(graphql, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query: question.query }),
    signal,
  });
  const { data, errors } = (await response.json()) as { data?: unknown; errors?: unknown };
  if (!response.ok || errors !== undefined) throw new Error(`${question.title}: HTTP ${response.status} ${JSON.stringify(errors)}`);
  return { ...question, data };
}
