// Hands one letter to a relay, as the built service would. NODE_EXTRA_CA_CERTS counts from the start of a process only.
const { Mailer } = await import('../../dist/mail/mailer.js');
const { createRelay } = await import('../../dist/mail/transports.js');
const mailer = new Mailer([createRelay(process.argv[2])], { name: 'Example', address: 'no-reply@mail.example' });
const letter = { to: 'ann@example.com', subject: 's', text: 't', html: '<p>t</p>', messageId: 'one' };
process.stdout.write(JSON.stringify(await mailer.send(letter)));
mailer.close();
