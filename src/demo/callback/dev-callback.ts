import type { FastifyPluginAsync } from 'fastify';
import { layout } from '../inbox/pages.js';
import { html, type Html } from '../web/html.js';
import { sendPage } from '../web/pages.js';

/**
 * Stands in for a callback that the reader has not written yet: where links of the app `default` lead in development.
 * It shows what the app would get, and what it would do with it.
 */
export const devCallback: FastifyPluginAsync<{ publicUrl: string }> = async (app, { publicUrl }) => {
  app.get('/', async (request, reply) => {
    const { code, purpose } = request.query as { code?: unknown; purpose?: unknown };
    const arrived = typeof code === 'string' && typeof purpose === 'string';
    return sendPage(reply, arrived ? arrivedPage(publicUrl, code, purpose) : emptyPage);
  });
};

function arrivedPage(publicUrl: string, code: string, purpose: string): Html {
  const body = JSON.stringify({ code, purpose });
  const call = (verb: string): string =>
    `curl -X POST ${publicUrl}/v1/links/${verb} \\\n  -H "Authorization: Bearer $KEY" \\\n  -H "Content-Type: application/json" \\\n  -d '${body.replaceAll("'", '')}'`;
  return layout(
    'Your app takes over here',
    html`<section>
      <h1>Your app takes over here</h1>
      <p>
        The person pressed the button, and the browser brought a <strong>code</strong> for the purpose
        <strong>${purpose}</strong>. Your backend redeems it, with the API key that was printed at the first start:
      </p>
      <pre class="letter"><code>${call('redeem')}</code></pre>
      <p>
        A purpose that is redeemed on Oncelink's own page, such as email-verification, is used up already. There, ask
        what became of it:
      </p>
      <pre class="letter"><code>${call('inspect')}</code></pre>
      <p>To send people to your own page instead, set <code>REDIRECT_URIS</code>.</p>
    </section>`,
  );
}

const emptyPage = layout(
  'Nothing arrived',
  html`<section>
    <h1>Nothing arrived</h1>
    <p>
      This page stands in for your app's callback in development. Open a mailed link and press its button to get here.
    </p>
  </section>`,
);
