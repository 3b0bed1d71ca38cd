import { SMTPServer } from 'smtp-server';

/** A relay in a process of its own, so that what it does with a mail delays nobody who takes the time of an answer. */
const recipients = [];
const server = new SMTPServer({
  disabledCommands: ['AUTH', 'STARTTLS'],
  onData: (stream, session, done) => {
    stream.resume();
    stream.on('end', () => {
      recipients.push(...session.envelope.rcptTo.map(({ address }) => address));
      done();
    });
  },
});
// A client that goes away is nothing to fail a test over.
server.on('error', () => {});
server.listen(0, '127.0.0.1', () => process.send({ port: server.server.address().port }));
process.on('message', () => process.send({ recipients }));
process.on('disconnect', () => process.exit());
