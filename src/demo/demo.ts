import type { Oncelink } from './oncelink.js';
import type { Users } from './users.js';

export interface DemoOptions {
  /** Where the Oncelink API answers, without a slash at the end: `http://127.0.0.1:3000`. */
  apiUrl: string;
  apiKey: string;
  /** Where people find this app: `http://localhost:3000/demo`. The mailed links lead back to it. */
  baseUrl: string;
  /** The SQLite file of the app's own users. */
  databasePath: string;
  now?: () => number;
}

/** What every flow works with. */
export interface Demo {
  oncelink: Oncelink;
  users: Users;
  redirectUri: Record<'verified' | 'signedIn' | 'reset', string>;
  now: () => number;
}

export const redirectUrisOf = (baseUrl: string): Demo['redirectUri'] => ({
  verified: `${baseUrl}/verified`,
  signedIn: `${baseUrl}/signed-in`,
  reset: `${baseUrl}/reset`,
});

/** The redirect URIs to register for the app, character by character. */
export const demoRedirectUris = (baseUrl: string): string[] => Object.values(redirectUrisOf(baseUrl));
