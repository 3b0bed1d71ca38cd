import { deliveryCases } from './exam-delivery.js';
import { keepingCases } from './exam-keeping.js';
import { limitCases } from './exam-limits.js';
import { mintingCases } from './exam-minting.js';
import { notificationCases } from './exam-notifications.js';
import { redeemingCases } from './exam-redeeming.js';
import type { ExamCase } from './exam-tools.js';

/** What every `LinkStore` must do, concurrency included. Run each case on an empty store. */
export const linkStoreExam: readonly ExamCase[] = [
  ...keepingCases,
  ...redeemingCases,
  ...mintingCases,
  ...limitCases,
  ...deliveryCases,
  ...notificationCases,
];
