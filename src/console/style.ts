import { createHash } from 'node:crypto';
import { BASE } from './styles/base.ts';
import { COMPONENTS } from './styles/components.ts';
import { MEDIA } from './styles/media.ts';
import { TABLES } from './styles/tables.ts';
import { TOKENS } from './styles/tokens.ts';

export const STYLE_PATH = '/style.css';

/** The whole style of the console, one file. What comes later wins. */
export const STYLE = [TOKENS, BASE, COMPONENTS, TABLES, MEDIA].join('\n');

/** Changes with the style, so that it can be kept forever and is never stale. */
export const STYLE_HREF = `${STYLE_PATH}?v=${createHash('sha256').update(STYLE).digest('hex').slice(0, 12)}`;
