export class NavigationPreloadManager {}
