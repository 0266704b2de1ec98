import { describe, expect, it } from '@jest/globals';
import { connect, count, entity, featureService, featureView, latest, request, source, sum, t } from './index.js';

const user = entity('user', { userId: t.int64 });
const events = source('events', { fields: { userId: t.int64, points: t.int64, kind: t.enum('a', 'b'), at: t.timestamp }, eventTime: 'at' });
const activity = featureView('activity', { entity: user, source: events, features: (e) => ({ n: count().over('1d'), points: sum(e.points).over('1d'), kind: latest(e.kind) }) });
const service = featureService('user_page', [activity, request({ amount: t.float64 })]);

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const proves = <_T extends true>(): void => undefined;

describe('the client', () => {
  it('is typed by the declaration: requests, values and states', () => {
    const features = connect({ url: 'http://127.0.0.1:1' }).features(service);
    type Row = Awaited<ReturnType<typeof features.get>>;
    proves<Equal<Row['n1d'], number | null>>();
    proves<Equal<Row['points1d'], bigint | null>>();
    proves<Equal<Row['kind'], 'a' | 'b' | null>>();
    proves<Equal<Row['$state']['n1d'], 'present' | 'null' | 'missing' | 'expired'>>();
    proves<Equal<Awaited<ReturnType<typeof features.getMany>>, Row[]>>();
    const never = async (): Promise<void> => {
      // @ts-expect-error -- int64 is a bigint
      await features.get({ userId: 1, amount: 2 });
      // @ts-expect-error -- the request's amount is missing
      await features.get({ userId: 1n });
      // @ts-expect-error -- no such feature
      (await features.get({ userId: 1n, amount: 2 })).nothing;
      // @ts-expect-error -- a view is no service
      connect({ url: '' }).features(activity);
    };
    expect(never).toBeInstanceOf(Function);
  });

  it('says when nobody answers', async () => {
    const features = connect({ url: 'http://127.0.0.1:1' }).features(service);
    await expect(features.get({ userId: 1n, amount: 2 })).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE', todo: expect.any(String) });
  });
});
