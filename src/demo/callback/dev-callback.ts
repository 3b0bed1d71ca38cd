import type { FastifyPluginAsync } from 'fastify';
import { layout } from '../inbox/pages.js';
import { html, type Html } from '../web/html.js';
import { sendPage } from '../web/pages.js';

export interface DevCallbackOptions {
  readonly publicUrl: string;
  /** whether the button has used the links of a purpose up before people get here */
  readonly isUsedUp: (purpose: string) => boolean;
}

/**
 * Stands in for a callback that the reader has not written yet: where links of the app `default` lead in development.
 * It shows what the app would get, and what it would do with it.
 */
export const devCallback: FastifyPluginAsync<DevCallbackOptions> = async (app, { publicUrl, isUsedUp }) => {
  app.get('/', async (request, reply) => {
    const { code, purpose } = request.query as { code?: unknown; purpose?: unknown };
    if (typeof code !== 'string' || typeof purpose !== 'string') return sendPage(reply, emptyPage);
    const body = JSON.stringify({ code, purpose }).replaceAll("'", '');
    const call = (verb: string): Html =>
      html`<pre
        class="letter"
      ><code>${`curl -X POST ${publicUrl}/v1/links/${verb} \\\n  -H "Authorization: Bearer $KEY" \\\n  -H "Content-Type: application/json" \\\n  -d '${body}'`}</code></pre>`;
    return sendPage(reply, arrivedPage(purpose, isUsedUp(purpose) ? inspected(call) : redeemed(call)));
  });
};

const arrivedPage = (purpose: string, whatNow: Html): Html =>
  layout(
    'Your app takes over here',
    html`<section>
      <h1>Your app takes over here</h1>
      <p>
        The person pressed the button, and the browser brought a <strong>code</strong> for the purpose
        <strong>${purpose}</strong>.
      </p>
      ${whatNow}
      <p><code>$KEY</code> is the API key that was printed at the first start.</p>
      <p>To send people to your own page instead, set <code>REDIRECT_URIS</code>.</p>
    </section>`,
  );

const redeemed = (call: (verb: string) => Html): Html =>
  html`<p>Your backend redeems it:</p>
    ${call('redeem')}
    <p>
      A link that was minted with a <code>fingerprint</code>, as one for a new password should be, is redeemed with the
      same <code>fingerprint</code> in the body. Where it was minted with a <code>codeChallenge</code>, add the
      <code>codeVerifier</code> that this browser keeps.
    </p>`;

const inspected = (call: (verb: string) => Html): Html =>
  html`<p>Its link is redeemed on Oncelink's own page and used up already. Your backend asks what became of it:</p>
    ${call('inspect')}
    <p>
      Only a link that was minted with a <code>fingerprint</code> is still <code>active</code>: send the same body to
      <code>/v1/links/redeem</code>, with that <code>fingerprint</code>.
    </p>`;

const emptyPage = layout(
  'Nothing arrived',
  html`<section>
    <h1>Nothing arrived</h1>
    <p>
      This page stands in for your app's callback in development. Open a mailed link and press its button to get here.
    </p>
  </section>`,
);
