/** `npm start`: set-up if needed, then `syncline up` with the flags given after `--`. */
import { join } from 'node:path';
import { hand, nodeFlags, root, setUp } from './setup.mjs';

setUp();
await hand([...nodeFlags, join(root, 'src', 'cli', 'main.ts'), 'up', ...process.argv.slice(2)]);
