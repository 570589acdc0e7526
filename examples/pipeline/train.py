"""Train a model, and write what it predicts for rows that it did not see."""

import pandas as pd
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

X, y = load_digits(return_X_y=True)
train, test, y_train, y_test = train_test_split(X, y, test_size=0.5, random_state=0)
model = make_pipeline(StandardScaler(), LogisticRegression(C=0.01, max_iter=1000))
model.fit(train, y_train)
columns = [f"p_{label}" for label in model.classes_]
frame = pd.DataFrame(model.predict_proba(test), columns=columns)
frame["label"] = y_test
frame["half"] = [
    "upper" if row[:32].sum() > row[32:].sum() else "lower" for row in test
]
frame.to_parquet("predictions.parquet")
