import preset from '../infra/dev/jest.preset.js';

// These specs mostly wait for processes of their own, in folders of their own: two at a time use both cores.
export default { ...preset, maxWorkers: 2 };
