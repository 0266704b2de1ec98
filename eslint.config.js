import { lintConfig } from './infra/dev/lint.js';

export default lintConfig(import.meta.dirname);
