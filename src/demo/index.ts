export { demoApp } from './demo-app.js';
export { demoRedirectUris, type DemoOptions } from './demo.js';
export { devInbox } from './inbox/dev-inbox.js';
