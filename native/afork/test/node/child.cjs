// A Node process that does what its argument says.
'use strict';
const { spawn } = require('node:child_process');

const roles = {
  echo: () => process.on('message', (message) => process.send(message)),
  address: () =>
    process.on('message', (_, server) => {
      process.send(server.address());
      server.close();
    }),
  print: () => console.log('printed'),
  // Ends at once, though its child would live for long; killed by the parent's death it must not be.
  unref: () => {
    const child = spawn('sleep', ['100'], { stdio: 'ignore' });
    child.unref();
    process.on('exit', () => child.kill());
  },
  ref: () => spawn('sleep', ['0.2'], { stdio: 'ignore' }).on('exit', (code) => console.log('exit', code)),
  'no-child': () => spawn('no-such-program', { stdio: 'ignore' }).on('error', ({ code }) => console.log(code)),
};
roles[process.argv[2]]();
