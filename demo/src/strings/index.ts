// The language of the page.
import { en, type Strings } from './en.js';

export const t: Strings = en;
