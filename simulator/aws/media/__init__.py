"""Media transcoding: Elastic Transcoder and Elemental MediaConvert."""
