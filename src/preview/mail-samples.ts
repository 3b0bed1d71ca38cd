import type { App } from '../apps/app.js';
import type { AnyPurpose } from '../links/purpose.js';
import type { SampleLink } from '../mail/letter-sample.js';
import type { Letters } from '../mail/letters.js';

/** A letter as it would be sent, with its picture in place, to look at in a browser. */
export interface MailSample {
  /** where it stands: `<app>/<purpose>/<locale>` */
  readonly path: string;
  readonly app: string;
  readonly purpose: string;
  readonly locale: string;
  readonly subject: string;
  readonly html: string;
  readonly text: string;
}

/** Every purpose in every locale for every app, each as its policy has it. */
export function mailSamples(
  letters: Letters,
  purposes: ReadonlyMap<string, AnyPurpose>,
  apps: readonly App[],
): MailSample[] {
  return [...purposes].flatMap(([purpose, policy]) =>
    apps.flatMap((app) =>
      letters.locales(purpose).map((locale) => {
        const { subject, html, text, logo } = letters.write(letters.sample(purpose, locale, app, true, linkOf(policy)));
        const picture = logo && `data:${logo.type};base64,${logo.content.toString('base64')}`;
        return {
          path: `${app.id}/${purpose}/${locale}`,
          app: app.id,
          purpose,
          locale,
          subject,
          html: picture ? html.replace(/"cid:[^"]*"/g, `"${picture}"`) : html,
          text,
        };
      }),
    ),
  );
}

function linkOf(policy: AnyPurpose): SampleLink | undefined {
  if (policy.kind !== 'link') return undefined;
  const { expiresIn, oneTimeCode, pauseAfterReport } = policy;
  return { lifetime: expiresIn.default, hasCode: oneTimeCode === 'mail', asks: pauseAfterReport > 0 };
}
