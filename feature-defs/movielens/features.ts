import { avg, count, ease, entity, featureService, featureView, itemToItem, lastN, latest, notSeen, recommender, source, stddevSample, t, timeSinceLast, timeless, trending } from '@granary/sdk';

export const user = entity('viewer', { userId: t.int64 });
export const movie = entity('movie', { movieId: t.int64 });

export const ratings = source('ratings', {
  fields: { userId: t.int64, movieId: t.int64, rating: t.float64, timestamp: t.epochSeconds },
  eventId: ['userId', 'movieId', 'timestamp'],
  eventTime: 'timestamp',
  file: 'ratings.csv',
});

export const movies = source('movies', {
  fields: { movieId: t.int64, title: t.string, genres: t.array(t.string).separatedBy('|') },
  eventId: 'movieId',
  eventTime: timeless,
  file: 'movies.csv',
});

export const viewerTaste = featureView('viewer_taste', {
  entity: user,
  source: ratings,
  features: (r) => ({
    ratings: count().over('1d', '365d', '3650d'),
    meanRating: avg(r.rating).over('365d', '3650d'),
  }),
});

/** What the viewer rated last, newest first. */
export const viewerHistory = featureView('viewer_history', {
  entity: user,
  source: ratings,
  features: (r) => ({
    recent: lastN(50, { movie: r.movieId, rating: r.rating }),
    sinceLastRating: timeSinceLast(),
    ratingSpread: stddevSample(r.rating).over('3650d'),
  }),
});

export const movieReception = featureView('movie_reception', {
  entity: movie,
  source: ratings,
  features: (r) => ({
    movieRatings: count().over('30d', '365d', '3650d'),
    movieMeanRating: avg(r.rating).over('365d', '3650d'),
    movieLiked: count().where(r.rating.gte(4)).over('365d', '3650d'),
  }),
});

export const movieDetails = featureView('movie_details', {
  entity: movie,
  source: movies,
  features: (m) => ({ title: latest(m.title), genres: latest(m.genres) }),
});

export const watchRanking = featureService('watch_ranking', [viewerTaste, movieReception]);

export const moviePage = featureService('movie_page', [movieDetails, movieReception.pick('movieRatings3650d', 'movieMeanRating3650d')]);

export const viewerPage = featureService('viewer_page', [viewerHistory, viewerTaste.pick('ratings3650d', 'meanRating3650d')]);

export const watchNext = recommender('watch_next', {
  user,
  item: movie,
  interactions: ratings,
  generators: [trending({ halfLife: '365d' }), itemToItem(), ease()],
  ranker: watchRanking,
  rules: [notSeen()],
});
