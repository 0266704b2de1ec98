import { avg, count, derived, entity, featureService, featureView, request, scorer, source, t } from '@granary/sdk';

export const customer = entity('customer', { customerId: t.int64 });
export const terminal = entity('terminal', { terminalId: t.int64 });

export const payments = source('payments', {
  fields: {
    transactionId: t.int64,
    customerId: t.int64,
    terminalId: t.int64,
    amount: t.float64,
    fraud: t.bool,
    at: t.timestamp,
  },
  eventId: 'transactionId',
  eventTime: 'at',
  file: 'payments.csv',
});

/** How much the customer spends, the transaction in question included. */
export const customerSpending = featureView('customer_spending', {
  entity: customer,
  source: payments,
  features: (p) => ({
    payments: count().over('1d', '7d', '30d', { bounds: '(]', includeRequest: true }),
    meanAmount: avg(p.amount).over('1d', '7d', '30d', { bounds: '(]', includeRequest: true }),
  }),
});

/** Frauds at the terminal; labels arrive a week late, so the windows end a week ago. */
export const terminalRisk = featureView('terminal_risk', {
  entity: terminal,
  source: payments,
  features: (p) => ({
    terminalPayments: count().over('1d', '7d', '30d', { delay: '7d', bounds: '(]' }),
    terminalRisk: avg(p.fraud).over('1d', '7d', '30d', { delay: '7d', bounds: '(]' }).default(0),
  }),
});

/** When the transaction is made. */
export const transactionTime = derived('transaction_time', [request({ at: t.timestamp })], (r) => ({
  weekend: r.at.dayOfWeek().gte(6),
  night: r.at.hour().lte(6),
}));

export const fraudFeatures = featureService('fraud_features', [request({ amount: t.float64 }), customerSpending, terminalRisk, transactionTime]);

export const scoreTransaction = scorer('score_transaction', {
  service: fraudFeatures,
  events: payments,
  label: 'fraud',
  labelDelay: '7d',
});
