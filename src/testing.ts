/**
 * For your own tests: the newest mail of the dev inbox, the exam that every `LinkStore` has to pass, and a clock that is
 * set by hand.
 */
export { latestMail, type LatestMail, type LatestMailQuery } from './testing/latest-mail.js';
export { linkStoreExam } from './testing/link-store-exam.js';
export { messageStoreExam, type MessageExamCase } from './testing/message-store-exam.js';
export { sampleLink, type ExamCase } from './testing/exam-tools.js';
export { HandSetClock } from './testing/hand-set-clock.js';
/** Keeps mails in memory instead of sending them: `new Mailer([inboxTransport(inbox)], sender)`. */
export { Inbox, type StoredMail } from './mail/inbox.js';
export { inboxTransport } from './mail/transports.js';
