// Which room may import from which. A wrong import fails the build; see README, "The house".
const ROOMS = {
  // room: the rooms it may import from, itself included
  mail: ['mail', 'log', 'clock'],
  apps: ['apps', 'clock'],
  links: ['links', 'apps', 'mail', 'clock'],
  storage: ['storage', 'links', 'apps', 'clock'],
  http: ['http', 'links', 'apps', 'mail', 'clock', 'log'],
  demo: ['demo', 'links', 'apps', 'mail', 'clock'],
  preview: ['preview', 'templates', 'http', 'links', 'apps', 'mail'],
};

const path = (rooms) => rooms.map((room) => `^src/${room}(/|\\.ts$)`);

module.exports = {
  forbidden: [
    { name: 'no-circles', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'no-orphans',
      severity: 'error',
      from: { orphan: true, pathNot: ['^src/(main|index|testing)\\.ts$', '^src/cli/main\\.ts$'] },
      to: {},
    },
    ...Object.entries(ROOMS).map(([room, allowed]) => ({
      name: `${room}-knows-only-its-own`,
      severity: 'error',
      from: { path: path([room]) },
      to: { path: '^src/', pathNot: path(allowed) },
    })),
    {
      name: 'settings-stay-outside',
      comment: 'Only what composes the service sees settings; everything else is told what it needs.',
      severity: 'error',
      from: { pathNot: ['^src/(main|service|app\\.module|settings)\\.ts$', '^src/cli/'] },
      to: { path: '^src/settings\\.ts$' },
    },
    {
      name: 'one-place-for-tokens',
      comment: 'Only the key ring touches the JWT library, and only behind the gate of tokens.ts.',
      severity: 'error',
      from: { pathNot: '^src/links/key-ring\\.ts$' },
      to: { path: 'node_modules/(@nestjs/jwt|jsonwebtoken)/' },
    },
    {
      name: 'the-domain-knows-no-database-and-no-web',
      severity: 'error',
      from: { path: '^src/(links|apps|mail)/' },
      to: { path: 'node_modules/(typeorm|sqlite3|pg|fastify|@nestjs/(typeorm|platform-fastify|swagger))/' },
    },
  ],
  options: {
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    doNotFollow: { path: 'node_modules' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'default'] },
  },
};
