export { default } from '../../infra/dev/jest.preset.js';
