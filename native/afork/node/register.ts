/** `node --require afork/register app.js`, `--import`, or either in NODE_OPTIONS. */

import { register } from './hook.ts';

register();
