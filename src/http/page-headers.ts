/**
 * What every answer to a person bears, redirects included.
 * @param look what the Content-Security-Policy says about styles and pictures
 * @param formTarget where the form's answer redirects to: browsers apply form-action to that, too
 */
export function pageHeaders(look: string, formTarget: string | null): Record<string, string> {
  const formAction = `form-action 'self'${formTarget === null ? '' : ` ${sourceOf(formTarget)}`}`;
  return {
    'cache-control': 'no-store',
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
    'x-robots-tag': 'noindex, nofollow',
    'content-security-policy': `default-src 'none'; ${look} ${formAction}; frame-ancestors 'none'; base-uri 'none'`,
    'x-frame-options': 'DENY',
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-resource-policy': 'same-origin',
  };
}

/** A CSP source for a redirect target: its origin, or its scheme for an app's own. */
function sourceOf(target: string): string {
  const url = new URL(target);
  return url.origin === 'null' ? url.protocol : url.origin;
}
