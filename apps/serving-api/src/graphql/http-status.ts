import type { ApolloServerPlugin } from '@apollo/server';
import { statusOf } from './errors.js';

/** An answer in part is 200; where every root field failed, the status says whose fault it was: the gravest counts. */
export const httpStatusPlugin: ApolloServerPlugin = {
  requestDidStart: () =>
    Promise.resolve({
      willSendResponse({ response }) {
        if (response.body.kind !== 'single') return Promise.resolve();
        const { data, errors = [] } = response.body.singleResult;
        const nothing = data === null || (data !== undefined && Object.values(data).every((value) => value === null));
        if (errors.length > 0 && nothing) response.http.status = Math.max(...errors.map((error) => statusOf(error.extensions?.['code'])));
        return Promise.resolve();
      },
    }),
};
